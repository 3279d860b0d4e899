import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { type Operation, operations } from '../../lib/api/schema/operations.js';
import { components } from '../../lib/api/schema/schema.js';
import { DjaffarModule } from '../../lib/index.js';
import { ADAPTERS, type Host, startHost } from '../support/host.js';

const guards = [{ canActivate: () => true }];

function documentOf(app: INestApplication, version = '3.0.0'): OpenAPIObject {
  return SwaggerModule.createDocument(app, new DocumentBuilder().setOpenAPIVersion(version).build());
}

const ROUTES = {
  '/djaffar/track': operations.track,
  '/djaffar/activities': operations.find,
  '/djaffar/activities/export': operations.export,
  '/djaffar/health': operations.report,
  ...Object.fromEntries(
    ['overview', 'series', 'measure', 'top', 'live', 'funnel', 'retention', 'journeys', 'visits'].map(
      (question) => [`/djaffar/stats/${question}`, operations[question]],
    ),
  ),
};

describe.each(ADAPTERS)('the OpenAPI document on %s', (adapter) => {
  let host: Host;
  let document: OpenAPIObject;

  beforeAll(async () => {
    host = await startHost({ adapter, djaffar: { api: { guards }, dashboard: { guards } } });
    document = documentOf(host.app);
  });

  afterAll(() => host.close());

  it('has the routes of the API and tracking by POST, and nothing of the dashboard', () => {
    const described = Object.entries(document.paths).map(([path, item]) => [path, Object.keys(item)]);
    expect(Object.fromEntries(described)).toEqual(
      Object.fromEntries(
        Object.keys(ROUTES).map((path) => [path, [path === '/djaffar/track' ? 'post' : 'get']]),
      ),
    );
  });

  // The other tests check every answer against the operations and components.
  it('describes every answer', () => {
    for (const [path, operation] of Object.entries<Operation | undefined>(ROUTES)) {
      const item = document.paths[path];
      const described = item?.get ?? item?.post;
      expect([path, described]).toEqual([
        path,
        expect.objectContaining({
          summary: operation?.summary,
          responses: operation?.responses,
          ...(operation?.requestBody && { requestBody: operation.requestBody }),
        }),
      ]);
    }
    expect(document.components?.schemas).toEqual(Object.fromEntries(components));
  });

  it('describes every parameter, with its type, bounds and default', () => {
    const parameters = Object.entries(document.paths).flatMap(([path, { get }]) =>
      (get?.parameters ?? []).map((parameter) => ({
        path,
        ...('$ref' in parameter ? undefined : parameter),
      })),
    );
    expect(parameters.length).toBeGreaterThan(200);
    for (const parameter of parameters)
      expect(parameter).toMatchObject({
        in: 'query',
        description: expect.stringMatching(/\.$/),
        schema: { type: expect.any(String) },
      });
    const find = (path: string, name: string): unknown =>
      parameters.find((parameter) => parameter.path === path && parameter.name === name);
    expect(find('/djaffar/activities', 'limit')).toMatchObject({
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 1000, default: 50 },
    });
    expect(find('/djaffar/stats/series', 'measure')).toMatchObject({
      required: true,
      schema: { type: 'string', pattern: expect.stringContaining('visits|activities|views|bounceRate') },
    });
    expect(find('/djaffar/stats/overview', 'from')).toMatchObject({
      schema: { oneOf: [{ format: 'date-time' }, { format: 'date' }] },
    });
    expect(find('/djaffar/stats/funnel', 'within')).toMatchObject({
      description: expect.stringContaining('Milliseconds'),
    });
    // It has a range of its own.
    expect(find('/djaffar/stats/live', 'from')).toBeUndefined();
  });

  it('is the same after one of OpenAPI 3.1, in which null is a type', () => {
    const newer = documentOf(host.app, '3.1.0');
    expect(newer.components?.schemas?.DjaffarActivity).toMatchObject({
      properties: {
        userId: { type: ['string', 'null'] },
        session: { anyOf: expect.arrayContaining([{ type: 'null' }]) },
      },
    });
    expect(JSON.stringify(newer)).not.toContain('nullable');
    expect(documentOf(host.app)).toEqual(document);
  });

  it('has no routes that are off', async () => {
    const other = await startHost({ adapter });
    expect(Object.keys(documentOf(other.app).paths)).toEqual(['/djaffar/track']);
    await other.close();
  });

  it('is at the path of the routes', async () => {
    const other = await startHost({
      adapter,
      djaffarModule: DjaffarModule.forRoot({ path: 'told', route: 'seen', api: { guards } }),
      configure: (app) => void app.setGlobalPrefix('v1'),
    });
    const paths = Object.keys(documentOf(other.app).paths);
    expect(paths).toEqual(expect.arrayContaining(['/v1/told/seen', '/v1/told/stats/overview']));
    await other.close();
  });
});
