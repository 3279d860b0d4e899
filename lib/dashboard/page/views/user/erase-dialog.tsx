import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Overview } from '../../../../statistics/statistics.types.js';
import { ask, Refusal } from '../../data/ask.js';
import { pathOf } from '../../data/question.js';
import { forgetAnswers, useAnswer } from '../../data/use-answer.js';
import { formatNumber } from '../../format.js';
import { Dialog } from '../../parts/dialog.js';
import { go } from '../../state/address.js';
import { useNow } from '../../state/now.js';

const DAY = 86_400_000;

interface EraseDialogProps {
  user: string;
  name: string;
  onClose: () => void;
}

/** Forgets a user for good, once it is said that this is meant. */
export function EraseDialog({ user, name, onClose }: EraseDialogProps): JSX.Element {
  const now = useNow();
  const [typed, setTyped] = useState('');
  const [state, setState] = useState<{ isErasing?: boolean; erased?: number; refusal?: string }>({});
  // Whatever is filtered by, all of the user goes.
  const all = useAnswer<Overview>(
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
      const response = await ask(pathOf('activities', { user }), { method: 'DELETE' });
      const told: { erased: number } = await response.json();
      forgetAnswers();
      setState({ erased: told.erased });
    } catch (error) {
      setState({ refusal: error instanceof Refusal ? error.message : String(error) });
    }
  };
  const leave = (): void => {
    onClose();
    if (state.erased !== undefined) go({ view: null, user: null, open: null });
  };
  const count = all.value?.activities.value;
  return (
    <Dialog title={`Erase ${name}`} onClose={leave}>
      {state.erased === undefined ? (
        <form class="erase" onSubmit={(event) => void erase(event)}>
          <p>
            {count == null ? 'All activities' : `All ${formatNumber(count)} activities`} of{' '}
            <strong>{name}</strong> and the sessions that have no others are erased for good, in all figures
            too. This cannot be undone.
          </p>
          <label>
            Type <code>{user}</code> to say that you mean it
            <input
              value={typed}
              autocomplete="off"
              onInput={({ currentTarget }) => setTyped(currentTarget.value)}
            />
          </label>
          {state.refusal && <p role="alert">{state.refusal}</p>}
          <div class="erase-actions">
            <button type="button" onClick={onClose}>
              Keep
            </button>
            <button type="submit" class="danger" disabled={typed !== user || state.isErasing === true}>
              {state.isErasing ? 'Erasing …' : 'Erase for good'}
            </button>
          </div>
        </form>
      ) : (
        <div class="erase" role="status">
          <p>{formatNumber(state.erased)} activities were erased.</p>
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
