import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.js';
import { go } from '../state/address.js';
import { type Range, customParameters } from '../state/range.js';

/** Days from and to, and the time zone that they are of. */
export function CustomRange({ range, onClose }: { range: Range; onClose: () => void }): JSX.Element {
  const given = customParameters(range.from, range.to, range.timeZone);
  const [from, setFrom] = useState(given.from?.slice(0, 10) ?? '');
  const [to, setTo] = useState(given.to?.slice(0, 10) ?? '');
  const [timeZone, setTimeZone] = useState(range.timeZone);
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const [first = '', last = ''] = [from, to].sort();
    go({ range: 'custom', from: first, to: last, tz: timeZone });
    onClose();
  };
  return (
    <Dialog title="Range" onClose={onClose}>
      <form class="fields" onSubmit={onSubmit}>
        <label>
          From
          <input
            type="date"
            required
            value={from}
            max="9999-12-31"
            onInput={({ currentTarget }) => setFrom(currentTarget.value)}
          />
        </label>
        <label>
          To, with the whole day
          <input
            type="date"
            required
            value={to}
            max="9999-12-31"
            onInput={({ currentTarget }) => setTo(currentTarget.value)}
          />
        </label>
        <label>
          Time zone
          <select value={timeZone} onChange={({ currentTarget }) => setTimeZone(currentTarget.value)}>
            {[...new Set([range.timeZone, 'UTC', ...Intl.supportedValuesOf('timeZone')])]
              .sort()
              .map((zone) => (
                <option key={zone} value={zone}>
                  {zone.replaceAll('_', ' ')}
                </option>
              ))}
          </select>
        </label>
        <button type="submit" class="primary">
          Show
        </button>
      </form>
    </Dialog>
  );
}
