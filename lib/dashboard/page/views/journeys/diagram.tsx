import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useWidth } from '../../parts/hooks.js';
import { Labels } from './labels.js';
import { layoutOf } from './layout.js';
import { BandPath, BoxShape, type Focusable, type Handlers } from './shapes.js';
import { Tip } from './tip.js';
import { type Anchor, connectedIds, findItem, type JourneyGraph, neighbourOf } from './journey-graph.js';

/** Pages or routes in a column for each step, and bands between them that are as wide as their number of visits. */
export function Diagram({ graph, anchor }: { graph: JourneyGraph; anchor: Anchor }): JSX.Element {
  const [frame, room] = useWidth<HTMLDivElement>();
  const layout = useMemo(() => (room > 0 ? layoutOf(graph, room) : undefined), [graph, room]);
  const [active, setActive] = useState<string>();
  const elements = useRef(new Map<string, Focusable>());
  const item = findItem(graph, active);
  const lit = item && connectedIds(graph, item);

  // After a link was followed with the keyboard, the focus moves to the page it led to.
  const isFollowed = useRef(false);
  useEffect(() => {
    const [first] = graph.nodes;
    if (isFollowed.current && first) elements.current.get(first.id)?.focus();
    isFollowed.current = false;
  }, [graph]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setActive(undefined);
    const next = item && neighbourOf(graph, item, event.key);
    if (next === undefined) return;
    event.preventDefault();
    elements.current.get(next)?.focus();
  };
  const handlers = (id: string): Handlers => ({
    ref: (element) => {
      if (element) elements.current.set(id, element);
      else elements.current.delete(id);
    },
    onFocus: () => setActive(id),
    onBlur: () => setActive(undefined),
    onMouseEnter: () => setActive(id),
    onMouseLeave: () => setActive(undefined),
  });
  const isForward = anchor !== 'end';
  return (
    <>
      <div ref={frame} class="scroll" tabIndex={0} role="region" aria-label="Diagram of the paths">
        {layout && (
          <div class="journey-diagram" style={{ width: `${layout.width}px` }}>
            <svg
              class={lit ? 'has-lit' : ''}
              width={layout.width}
              height={layout.height}
              // The outline of a focused page needs 2 pixels at the left.
              viewBox={`-2 0 ${layout.width} ${layout.height}`}
              role="group"
              aria-label="The steps, and the paths between them. Arrow keys follow the paths."
              onKeyDown={onKeyDown}
            >
              {layout.bands.map((band) => (
                <BandPath
                  key={band.link.id}
                  band={band}
                  isLit={lit?.has(band.link.id) ?? false}
                  handlers={handlers(band.link.id)}
                />
              ))}
              {layout.boxes.map((box) => (
                <BoxShape
                  key={box.node.id}
                  box={box}
                  anchor={anchor}
                  pitch={layout.pitch}
                  isLit={lit?.has(box.node.id) ?? false}
                  handlers={handlers(box.node.id)}
                  onFollow={() => (isFollowed.current = true)}
                />
              ))}
              <Labels layout={layout} steps={graph.steps} anchor={anchor} lit={lit} />
            </svg>
            {item && <Tip item={item} layout={layout} anchor={anchor} />}
          </div>
        )}
      </div>
      <p class="journey-note muted">
        <span class="journey-sample" aria-hidden="true" /> Visits that {isForward ? 'ended' : 'started'}{' '}
        there. Click a step to see the paths from it.
      </p>
    </>
  );
}
