import type { JSX } from 'preact';
import type { Overview } from '../../../../statistics/statistics.types.js';
import { Card } from '../../parts/card.js';
import { Tabs } from '../../parts/choice.js';
import { useVisible } from '../../parts/hooks.js';
import { navigate, useUrl } from '../../state/url.js';
import { DIMENSIONS, type TableDimension } from '../../state/dimensions.js';
import { PropertyTable } from './property-table.js';
import { buildRanking } from './ranking.js';
import { TopDialog } from './top-dialog.js';
import { TopTable } from './top-table.js';

type Tab = TableDimension | 'property';

interface Group {
  /** The URL parameter of the selected tab. */
  parameter: string;
  title: string;
  tabs: Tab[];
}

const GROUPS: Group[] = [
  { parameter: 'pages', title: 'Pages', tabs: ['path', 'entry', 'exit', 'route'] },
  {
    parameter: 'sources',
    title: 'Sources',
    tabs: ['referrer', 'utmCampaign', 'utmSource', 'utmMedium', 'utmTerm', 'utmContent'],
  },
  { parameter: 'activities', title: 'Activities', tabs: ['name', 'property'] },
  { parameter: 'technology', title: 'Technology', tabs: ['browser', 'system', 'device'] },
  { parameter: 'location', title: 'Location', tabs: ['country', 'language'] },
  { parameter: 'people', title: 'Users', tabs: ['user', 'group'] },
];

/** Top values by dimension; a click on a row filters by it. */
export function Tables({ overview }: { overview: Overview | undefined }): JSX.Element {
  return (
    <div class="cards">
      {GROUPS.map((group) => (
        <GroupCard key={group.parameter} group={group} overview={overview} />
      ))}
      <TopDialog />
    </div>
  );
}

function GroupCard({ group, overview }: { group: Group; overview: Overview | undefined }): JSX.Element {
  const { parameter, title, tabs } = group;
  const url = useUrl();
  const [ref, isVisible] = useVisible<HTMLDivElement>();
  const tab = tabs.find((each) => each === url.get(parameter)) ?? tabs[0] ?? 'path';
  const options = Object.fromEntries(
    tabs.map((each) => [each, each === 'property' ? 'Properties' : DIMENSIONS[each].title]),
  );
  return (
    <Card
      title={title}
      tabs={
        tabs.length > 1 && (
          <Tabs
            label={title}
            value={tab}
            options={options}
            onChange={(chosen) =>
              navigate({ [parameter]: chosen === tabs[0] ? null : chosen }, { replace: true })
            }
          />
        )
      }
    >
      <div ref={ref}>
        {tab === 'property' ? (
          <PropertyTable isAsked={isVisible} />
        ) : (
          // The tables load after the metrics, which are at the top of the page.
          <TopTable
            key={tab}
            ranking={buildRanking(tab, url)}
            isAsked={isVisible && overview !== undefined}
            overview={overview}
          />
        )}
      </div>
    </Card>
  );
}
