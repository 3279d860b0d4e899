import { type ArgumentMetadata, ValidationPipe } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, IsString, Max, Min } from 'class-validator';
import type { ActivityFilter } from '../activity/activity.filter.js';
import type { PropertyFilters } from '../activity/condition.js';
import { MAX_LIMIT } from '../activity/pagination.js';
import { type FormatName, FORMATS } from '../export/format.js';
import { badRequest } from '../http/bad-request.js';
import { FromJson, IsFlag } from './statistics.query.js';

/** The libraries take names such as `constructor` for known ones. */
class QueryPipe extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const names = typeof value === 'object' && value !== null ? Object.keys(value) : [];
    const inherited = names.filter((name) => name in Object.prototype);
    if (inherited.length > 0)
      throw badRequest(
        Object.fromEntries(inherited.map((name) => [name, [`property ${name} should not exist`]])),
      );
    return super.transform(value, metadata);
  }
}

/** Reads the query of every route of the API. An unknown parameter is an error. */
export const queryPipe = new QueryPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  exceptionFactory: (errors) =>
    badRequest(
      Object.fromEntries(
        errors.map(({ property, constraints = {} }) => [property, Object.values(constraints)]),
      ),
    ),
});

/** The parameters of an `ActivityFilter`. */
export class FilterQuery {
  @IsOptional()
  @IsString()
  user?: string;

  @IsOptional()
  @IsString()
  session?: string;

  @IsOptional()
  @IsString()
  visit?: string;

  @IsOptional()
  @IsString()
  path?: string;

  @IsOptional()
  @IsString()
  page?: string;

  @IsOptional()
  @IsString()
  route?: string;

  @IsOptional()
  @IsString()
  name?: string;

  @IsOptional()
  @IsString()
  subject?: string;

  @IsOptional()
  @IsString()
  group?: string;

  @IsOptional()
  @IsString()
  from?: string;

  @IsOptional()
  @IsString()
  to?: string;

  @IsOptional()
  @IsString()
  ip?: string;

  /** A JSON object. */
  @IsOptional()
  @FromJson()
  @IsObject()
  properties?: PropertyFilters;

  /** A JSON object, for conditions that single parameters cannot express. */
  @IsOptional()
  @FromJson()
  @IsObject()
  filter?: ActivityFilter;
}

/** The query of `DELETE …/activities`. */
export class EraseQuery extends FilterQuery {
  @IsOptional()
  @IsFlag()
  keepAnonymous?: boolean;
}

/** The query of `GET …/activities`: see `PageOptions`. */
export class ActivitiesQuery extends FilterQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_LIMIT)
  limit?: number;

  @IsOptional()
  @IsString()
  after?: string;

  @IsOptional()
  @IsIn(['asc', 'desc'])
  order?: 'asc' | 'desc';
}

/** The query of `GET …/activities/export`. */
export class ExportQuery extends FilterQuery {
  @IsIn(FORMATS)
  format!: FormatName;

  @IsOptional()
  @IsFlag()
  raw?: boolean;

  @IsOptional()
  @IsFlag()
  bom?: boolean;

  /** The id of an activity, or {@link Page.next}. */
  @IsOptional()
  @IsString()
  after?: string;
}
