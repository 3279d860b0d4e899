import type { JSX } from 'preact';
import { useUrl } from '../../state/url.js';
import { FunnelBuilder } from './builder.js';
import { FunnelResult } from './result.js';
import { FunnelStart } from './start.js';
import { parseSteps } from './steps.js';

/** How many visitors continue from one step to the next. */
export function Funnels(): JSX.Element {
  const steps = parseSteps(useUrl());
  const named = steps.filter(({ value }) => value !== '');
  return (
    <div class="funnels">
      <FunnelBuilder steps={steps} />
      {named.length === 0 ? <FunnelStart /> : <FunnelResult steps={named} />}
    </div>
  );
}
