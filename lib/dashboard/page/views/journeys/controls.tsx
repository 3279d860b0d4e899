import type { JSX } from 'preact';
import { Select } from '../../parts/choice.js';
import { Autocomplete } from '../../parts/autocomplete.js';
import { navigate } from '../../state/url.js';
import { type Anchor, ANCHORS, type Depth, DEPTH_WORDS, USUAL_DEPTH } from './journey-graph.js';

interface JourneyControlsProps {
  anchor: Anchor;
  path: string;
  depth: Depth;
}

function show(anchor: Anchor, path: string): void {
  navigate({ start: anchor === 'start' ? path : null, end: anchor === 'end' ? path : null });
}

/** The start or end of the journeys, and the number of steps. */
export function JourneyControls({ anchor, path, depth }: JourneyControlsProps): JSX.Element {
  return (
    <div class="journey-controls">
      <Select label="Paths" value={anchor} options={ANCHORS} onChange={(chosen) => show(chosen, path)} />
      {anchor !== 'entry' && (
        <div class="journey-path">
          <Autocomplete
            label={anchor === 'start' ? 'Start page' : 'End page'}
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
        onChange={(chosen) => navigate({ depth: chosen === USUAL_DEPTH ? null : chosen })}
      />
    </div>
  );
}
