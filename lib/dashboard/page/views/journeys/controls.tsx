import type { JSX } from 'preact';
import { Select } from '../../parts/choice.js';
import { Autocomplete } from '../../parts/autocomplete.js';
import { navigate } from '../../state/url.js';
import {
  type Anchor,
  ANCHORS,
  type Depth,
  DEPTH_WORDS,
  STEP_KINDS,
  type StepKind,
  USUAL_DEPTH,
} from './journey-graph.js';

interface JourneyControlsProps {
  by: StepKind;
  anchor: Anchor;
  path: string;
  depth: Depth;
}

function show(anchor: Anchor, path: string): void {
  navigate({ start: anchor === 'start' ? path : null, end: anchor === 'end' ? path : null });
}

/** Whether steps are pages or routes, the start or end of the journeys, and the number of steps. */
export function JourneyControls({ by, anchor, path, depth }: JourneyControlsProps): JSX.Element {
  const kind = by === 'route' ? 'route' : 'page';
  return (
    <div class="journey-controls">
      <Select
        label="Of"
        value={by}
        options={STEP_KINDS}
        onChange={(chosen) => navigate({ by: chosen === 'path' ? null : chosen, start: null, end: null })}
      />
      <Select label="Paths" value={anchor} options={ANCHORS[by]} onChange={(chosen) => show(chosen, path)} />
      {anchor !== 'entry' && (
        <div class="journey-path">
          <Autocomplete
            label={`${anchor === 'start' ? 'Start' : 'End'} ${kind}`}
            placeholder={`/${by}`}
            dimension={by}
            value={path}
            onChange={(at) => show(anchor, at)}
          />
        </div>
      )}
      <Select
        label="Steps"
        value={depth}
        options={DEPTH_WORDS}
        onChange={(chosen) => navigate({ depth: chosen === USUAL_DEPTH ? null : chosen })}
      />
    </div>
  );
}
