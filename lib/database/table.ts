import {
  type DataSource,
  type EntityMetadata,
  type EntityTarget,
  getMetadataArgsStorage,
  type ObjectLiteral,
} from 'typeorm';
import type { Insert } from './dialects/dialect.types.js';

type Column = EntityMetadata['columns'][number];

/** A table as TypeORM's metadata describe it, for statements that TypeORM does not build. */
export class Table {
  /** Escaped, ready for SQL. */
  readonly name: string;
  private readonly columnNames: string[];
  private readonly columnOf: Map<string, string>;
  private readonly types: string[];
  private readonly values: ((entity: ObjectLiteral) => unknown)[];
  private readonly keys: number;
  private readonly clock: string | undefined;

  /**
   * @param clock the property that the database sets to its clock when a row is inserted
   * @param generated the primary key, if the database makes it when a row is inserted
   */
  constructor(
    dataSource: DataSource,
    entity: EntityTarget<ObjectLiteral>,
    { clock, generated }: { clock?: string; generated?: string } = {},
  ) {
    if (!dataSource.hasMetadata(entity)) {
      const remedy = 'set autoLoadEntities, or add djaffarEntities to its entities';
      throw new Error(`Djaffar: the data source does not know the entities of Djaffar: ${remedy}`);
    }
    const { driver } = dataSource;
    const { tablePath, primaryColumns, columns } = dataSource.getMetadata(entity);
    const ordered = [...primaryColumns, ...columns.filter((column) => !column.isPrimary)].filter(
      ({ propertyName }) => propertyName !== clock && propertyName !== generated,
    );
    this.keys = generated === undefined ? primaryColumns.length : 0;
    this.clock =
      clock &&
      driver.escape(columns.find(({ propertyName }) => propertyName === clock)?.databaseName ?? clock);
    this.name = escapePath(dataSource, tablePath);
    this.columnNames = ordered.map((column) => driver.escape(column.databaseName));
    this.columnOf = new Map(ordered.map(({ propertyName }, i) => [propertyName, this.columnNames[i] ?? '']));
    this.types = ordered.map((column) => driver.normalizeType(column));
    this.values = ordered.map((column) => columnReader(column, driver));
  }

  /** The column of an entity's property, escaped, ready for SQL. */
  column(property: string): string {
    const column = this.columnOf.get(property);
    if (!column) throw new Error(`Djaffar: ${this.name} has no column of "${property}"`);
    return column;
  }

  /** @param conflict how to handle a row whose primary key exists: see {@link Insert}, but with the names of properties */
  insert(
    entities: ObjectLiteral[],
    conflict: { replace?: boolean; add?: string; version?: string } = {},
  ): Insert {
    const { replace = false, add, version } = conflict;
    const rows = entities.map((entity) => this.values.map((value) => value(entity)));
    return {
      table: this.name,
      columns: this.columnNames,
      types: this.types,
      keys: this.keys,
      rows,
      replace,
      add: add && this.column(add),
      version: version && this.column(version),
      clock: this.clock,
    };
  }
}

/** Returns the value that TypeORM would bind for a column; strings are unchanged. */
function columnReader(column: Column, driver: DataSource['driver']): (entity: ObjectLiteral) => unknown {
  const { propertyName } = column;
  if (column.type === 'varchar' && !column.transformer) return (entity) => entity[propertyName];
  return (entity) => driver.preparePersistentValue(entity[propertyName], column);
}

/** Returns the name of one of our tables in the host's data source, with its prefix and its schema. */
export function buildTablePath(dataSource: DataSource, table: string): string {
  const { options, driver } = dataSource;
  return driver.buildTableName(prefixed(dataSource, table), 'schema' in options ? options.schema : undefined);
}

/**
 * Checks that the host's naming strategy leaves the names that the migrations have made.
 * @throws Error that names the renamed tables or columns, and the remedy
 */
export function checkNames(dataSource: DataSource, entities: EntityTarget<ObjectLiteral>[]): void {
  const renamed = entities.flatMap((entity) => {
    if (!dataSource.hasMetadata(entity)) return [];
    const { tableName, target, ownColumns } = dataSource.getMetadata(entity);
    const { tables, columns } = getMetadataArgsStorage();
    const table = tables.find((args) => args.target === target)?.name ?? '';
    const given = new Map(
      columns.map((args) => [args.target === target && args.propertyName, args.options.name]),
    );
    return [
      [table, prefixed(dataSource, table), tableName],
      ...ownColumns.map(({ propertyName, databaseName }) => {
        const name = given.get(propertyName);
        return [`${table}.${name}`, name ?? databaseName, databaseName];
      }),
    ].flatMap(([what, expected, actual]) => (expected === actual ? [] : [`"${what}" to "${actual}"`]));
  });
  const [first] = renamed;
  if (!first) return;
  const more = renamed.length > 1 ? ` (and ${renamed.length - 1} more)` : '';
  throw new Error(
    `Djaffar: the naming strategy ${dataSource.namingStrategy.constructor.name} of the data source renames ${first}${more}, ` +
      'but the tables have the names that Djaffar gives. Return the name that tableName(), columnName() and ' +
      'joinColumnName() are given, if there is one: columnName(property, customName, prefixes) { return customName || … }',
  );
}

function prefixed({ options, namingStrategy }: DataSource, table: string): string {
  return options.entityPrefix ? namingStrategy.prefixTableName(options.entityPrefix, table) : table;
}

/** Returns the name of a table, escaped for SQL. */
export function escapePath({ driver }: DataSource, path: string): string {
  return path
    .split('.')
    .map((part) => driver.escape(part))
    .join('.');
}
