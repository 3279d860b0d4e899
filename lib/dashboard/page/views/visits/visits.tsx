import type { JSX } from 'preact';
import { pathOf, useQuestion } from '../../data/question.js';
import { Card } from '../../parts/card.js';
import { Icon } from '../../parts/icon.js';
import { VisitList } from './visit-list.js';

/** What a search for activities takes of a filter. */
const OF_ACTIVITIES = ['user', 'session', 'path', 'name', 'from', 'to'];

/** Who came, and the way of each. */
export function Visits(): JSX.Element {
  const { parameters } = useQuestion();
  const isExportable = Object.entries(parameters).every(
    ([name, value]) => [...OF_ACTIVITIES, 'timeZone'].includes(name) && value !== '',
  );
  // Statistics call a page `path`; of activities, that is the whole path.
  const { path: page, ...others } = Object.fromEntries(
    Object.entries(parameters).filter(([name]) => OF_ACTIVITIES.includes(name)),
  );
  return (
    <Card
      title="Visits"
      class="visits"
      actions={
        isExportable && (
          <a
            class="button plain"
            href={`data/${pathOf('activities/export', { format: 'csv', page }, others)}`}
            download
            title="All activities of this range and filter"
          >
            <Icon name="download" /> Export activities as CSV
          </a>
        )
      }
    >
      <VisitList parameters={parameters} />
    </Card>
  );
}
