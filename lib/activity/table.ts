import type { DataSource, EntityMetadata, EntityTarget, ObjectLiteral } from 'typeorm';
import type { Insert } from './dialects/dialect.js';

/** A table as TypeORM's metadata describe it, for statements that TypeORM does not build. */
export class Table {
  private readonly name: string;
  private readonly columns: EntityMetadata['columns'];
  private readonly columnNames: string[];
  private readonly types: string[];

  constructor(
    private readonly dataSource: DataSource,
    entity: EntityTarget<ObjectLiteral>,
  ) {
    const { driver } = dataSource;
    const metadata = dataSource.getMetadata(entity);
    this.name = metadata.tablePath
      .split('.')
      .map((part) => driver.escape(part))
      .join('.');
    this.columns = [...metadata.primaryColumns, ...metadata.columns.filter((column) => !column.isPrimary)];
    this.columnNames = this.columns.map((column) => driver.escape(column.databaseName));
    this.types = this.columns.map((column) => driver.normalizeType(column));
  }

  insert(entities: ObjectLiteral[]): Insert {
    const { driver } = this.dataSource;
    const rows = entities.map((entity) =>
      this.columns.map(
        (column) => driver.preparePersistentValue(entity[column.propertyName], column) as unknown,
      ),
    );
    return { table: this.name, columns: this.columnNames, types: this.types, rows };
  }
}
