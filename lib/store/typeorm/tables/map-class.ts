import { Column, type ColumnOptions, Entity } from 'typeorm';

/**
 * Maps a class of the model to a table, as TypeORM's decorators do: the model itself knows no engine. The columns are named
 * as the properties, so that a naming strategy of the host leaves them as the migrations have made them. TypeORM does not synchronize
 * the tables: it can describe neither their collations, nor indexes on expressions, nor a column of one database.
 * @returns the class
 */
export function mapClass<T extends new () => object, Columns>(
  model: T,
  table: string,
  columns: Record<keyof Columns, ColumnOptions>,
): T {
  Entity(table, { synchronize: false })(model);
  for (const [property, options] of Object.entries<ColumnOptions>(columns))
    Column({ name: property, ...options })(model.prototype, property);
  return model;
}
