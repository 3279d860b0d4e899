import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useWidth } from '../../parts/hooks.js';
import { joinedTo, neighbourOf, thingOf } from './follow.js';
import { Labels } from './labels.js';
import { layoutOf } from './layout.js';
import { BandPath, BoxShape, type Focusable, type Handlers } from './shapes.js';
import { Tip } from './tip.js';
import type { Anchor, Ways } from './ways.js';

/** Pages in columns, a column for each step, and the ways between them as wide as the visits that took them. */
export function Diagram({ ways, anchor }: { ways: Ways; anchor: Anchor }): JSX.Element {
  const [frame, room] = useWidth<HTMLDivElement>();
  const layout = useMemo(() => (room > 0 ? layoutOf(ways, room) : undefined), [ways, room]);
  const [active, setActive] = useState<string>();
  const elements = useRef(new Map<string, Focusable>());
  const thing = thingOf(ways, active);
  const lit = thing && joinedTo(ways, thing);

  // Whoever followed a way with the keyboard goes on from where it led.
  const isFollowed = useRef(false);
  useEffect(() => {
    const [first] = ways.places;
    if (isFollowed.current && first) elements.current.get(first.id)?.focus();
    isFollowed.current = false;
  }, [ways]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setActive(undefined);
    const next = thing && neighbourOf(ways, thing, event.key);
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
          <div class="ways" style={{ width: `${layout.width}px` }}>
            <svg
              class={lit ? 'has-lit' : ''}
              width={layout.width}
              height={layout.height}
              // At the left an outline must fit.
              viewBox={`-2 0 ${layout.width} ${layout.height}`}
              role="group"
              aria-label="Pages, and the paths between them. Arrow keys follow the paths."
              onKeyDown={onKeyDown}
            >
              {layout.bands.map((band) => (
                <BandPath
                  key={band.way.id}
                  band={band}
                  isLit={lit?.has(band.way.id) ?? false}
                  handlers={handlers(band.way.id)}
                />
              ))}
              {layout.boxes.map((box) => (
                <BoxShape
                  key={box.place.id}
                  box={box}
                  anchor={anchor}
                  pitch={layout.pitch}
                  isLit={lit?.has(box.place.id) ?? false}
                  handlers={handlers(box.place.id)}
                  onFollow={() => (isFollowed.current = true)}
                />
              ))}
              <Labels layout={layout} steps={ways.steps} anchor={anchor} lit={lit} />
            </svg>
            {thing && <Tip thing={thing} layout={layout} anchor={anchor} />}
          </div>
        )}
      </div>
      <p class="ways-note muted">
        <span class="ways-sample" aria-hidden="true" /> Visits that {isForward ? 'ended' : 'began'} on the
        page. Click a page to see the paths from it.
      </p>
    </>
  );
}
