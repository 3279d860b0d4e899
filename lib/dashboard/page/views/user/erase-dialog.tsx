import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Overview } from '../../../../statistics/statistics.types.js';
import { request, RequestError } from '../../data/request.js';
import { pathOf } from '../../data/question.js';
import { clearCache, useQuery } from '../../data/use-query.js';
import { formatNumber } from '../../format.js';
import { Dialog } from '../../parts/dialog.js';
import { navigate } from '../../state/url.js';
import { useNow } from '../../state/now.js';

const DAY = 86_400_000;

interface EraseDialogProps {
  user: string;
  name: string;
  onClose: () => void;
}

const formatActivities = (count: number): string =>
  count === 1 ? '1 activity' : `${formatNumber(count)} activities`;

/** Erases a user after a confirmation. */
export function EraseDialog({ user, name, onClose }: EraseDialogProps): JSX.Element {
  const now = useNow();
  const [typed, setTyped] = useState('');
  const [keepsAnonymous, setKeepsAnonymous] = useState(false);
  const [state, setState] = useState<{ isErasing?: boolean; erased?: number; failure?: string }>({});
  // All activities of the user are erased, so the filters do not apply.
  const all = useQuery<Overview>(
    pathOf('stats/overview', {
      user,
      bots: 'true',
      from: new Date(0).toISOString(),
      to: new Date(+now + DAY).toISOString(),
    }),
  );
  const erase = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setState({ isErasing: true });
    try {
      const response = await request(pathOf('activities', { user, keepAnonymous: String(keepsAnonymous) }), {
        method: 'DELETE',
      });
      const parsed: { erased: number } = await response.json();
      clearCache();
      setState({ erased: parsed.erased });
    } catch (error) {
      setState({ failure: error instanceof RequestError ? error.message : String(error) });
    }
  };
  const leave = (): void => {
    onClose();
    if (state.erased !== undefined) navigate({ view: null, user: null, open: null });
  };
  const count = all.value?.activities.value;
  return (
    <Dialog title={`Erase ${name}`} onClose={leave}>
      {state.erased === undefined ? (
        <form class="erase" onSubmit={(event) => void erase(event)}>
          <p>
            This erases {count == null ? 'all activities' : formatActivities(count)} of{' '}
            <strong>{name}</strong>
            {!keepsAnonymous && ', what the same person did before logging in during the same visits'}, and
            browsers that have no other activity, from the database and from all statistics. It cannot be
            undone.
          </p>
          <label class="check">
            <input
              type="checkbox"
              checked={keepsAnonymous}
              onChange={({ currentTarget }) => setKeepsAnonymous(currentTarget.checked)}
            />
            <span>Keep what this person did before logging in</span>
          </label>
          <label>
            <span>
              Type <code>{user}</code> to confirm
            </span>
            <input
              value={typed}
              autocomplete="off"
              onInput={({ currentTarget }) => setTyped(currentTarget.value)}
            />
          </label>
          {state.failure && <p role="alert">{state.failure}</p>}
          <div class="erase-actions">
            <button type="button" onClick={onClose}>
              Cancel
            </button>
            <button type="submit" class="danger" disabled={typed !== user || state.isErasing === true}>
              {state.isErasing ? 'Erasing …' : 'Erase'}
            </button>
          </div>
        </form>
      ) : (
        <div class="erase" role="status">
          <p>Erased {formatActivities(state.erased)}.</p>
          <div class="erase-actions">
            <button type="button" class="primary" onClick={leave}>
              Done
            </button>
          </div>
        </div>
      )}
    </Dialog>
  );
}
