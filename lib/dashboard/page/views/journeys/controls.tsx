import type { JSX } from 'preact';
import { Select } from '../../parts/choice.js';
import { Suggest } from '../../parts/suggest.js';
import { go } from '../../state/address.js';
import { type Anchor, ANCHORS, type Depth, DEPTH_WORDS, USUAL_DEPTH } from './ways.js';

interface JourneyControlsProps {
  anchor: Anchor;
  path: string;
  depth: Depth;
}

function show(anchor: Anchor, path: string): void {
  go({ start: anchor === 'start' ? path : null, end: anchor === 'end' ? path : null });
}

/** From where or to where, and how far. */
export function JourneyControls({ anchor, path, depth }: JourneyControlsProps): JSX.Element {
  return (
    <div class="journey-controls">
      <Select label="Ways" value={anchor} options={ANCHORS} onChange={(chosen) => show(chosen, path)} />
      {anchor !== 'entry' && (
        <div class="journey-path">
          <Suggest
            label={anchor === 'start' ? 'Path of the start' : 'Path of the end'}
            placeholder="/path"
            dimension="path"
            value={path}
            onChange={(at) => show(anchor, at)}
          />
        </div>
      )}
      <Select
        label="Steps"
        value={depth}
        options={DEPTH_WORDS}
        onChange={(chosen) => go({ depth: chosen === USUAL_DEPTH ? null : chosen })}
      />
    </div>
  );
}
