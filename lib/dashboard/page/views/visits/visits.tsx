import type { JSX } from 'preact';
import { pathOf, useQuestion } from '../../data/question.js';
import { Card } from '../../parts/card.js';
import { Icon } from '../../parts/icon.js';
import { VisitList } from './visit-list.js';

/** The filters that also exist for activities. */
const ACTIVITY_FILTERS = ['user', 'group', 'session', 'path', 'name', 'from', 'to'];

/** The list of visits. */
export function Visits(): JSX.Element {
  const { parameters } = useQuestion();
  const isExportable = Object.entries(parameters).every(
    ([name, value]) => [...ACTIVITY_FILTERS, 'timeZone'].includes(name) && value !== '',
  );
  // The parameter `path` of statistics is `page` for activities.
  const { path: page, ...others } = Object.fromEntries(
    Object.entries(parameters).filter(([name]) => ACTIVITY_FILTERS.includes(name)),
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
