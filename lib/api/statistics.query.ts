import { applyDecorators } from '@nestjs/common';
import { Transform, Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  isString,
  IsString,
  ValidateBy,
} from 'class-validator';
import type { PropertyFilters } from '../activity/condition.js';
import type { AmountMeasure } from '../statistics/amount.js';
import {
  type Dimension,
  DIMENSIONS,
  type FunnelStep,
  type Interval,
  INTERVALS,
  type Measure,
  type Period,
  PERIODS,
  JOURNEYS_BY,
  RETENTION_BY,
  type TopMeasure,
} from '../statistics/statistics.types.js';
import type { StatisticsFilter } from '../statistics/question.types.js';

/** Parses a parameter as JSON. Invalid JSON remains a string, which validation then rejects. */
export function FromJson(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }): unknown => {
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  });
}

/** A string; an empty parameter is `null`. */
function TextOrNone(): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }): unknown => (value === '' ? null : value)),
    IsOptional(),
    ValidateBy({
      name: 'textOrNone',
      validator: { validate: isString, defaultMessage: () => '$property must be a string' },
    }),
  );
}

const FLAGS = new Map<unknown, boolean>([
  ['true', true],
  ['false', false],
]);

/** `true` or `false`. */
export function IsFlag(): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => FLAGS.get(value) ?? value),
    IsBoolean(),
  );
}

/** The common parameters of all `GET …/stats/…`; see `Question`. */
export class QuestionQuery {
  @IsOptional()
  @IsString()
  from?: string;

  @IsOptional()
  @IsString()
  to?: string;

  @IsOptional()
  @IsString()
  timeZone?: string;

  @TextOrNone()
  user?: string | null;

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
  route?: string;

  @IsOptional()
  @IsString()
  subject?: string;

  @IsOptional()
  @IsString()
  name?: string;

  @IsOptional()
  @IsString()
  group?: string;

  @IsOptional()
  @IsString()
  ip?: string;

  @IsOptional()
  @IsString()
  entry?: string;

  @IsOptional()
  @IsString()
  exit?: string;

  @TextOrNone()
  referrer?: string | null;

  @TextOrNone()
  utmSource?: string | null;

  @TextOrNone()
  utmMedium?: string | null;

  @TextOrNone()
  utmCampaign?: string | null;

  @TextOrNone()
  utmTerm?: string | null;

  @TextOrNone()
  utmContent?: string | null;

  @TextOrNone()
  browser?: string | null;

  @TextOrNone()
  system?: string | null;

  @TextOrNone()
  device?: string | null;

  @TextOrNone()
  country?: string | null;

  @TextOrNone()
  language?: string | null;

  /** A JSON object. */
  @IsOptional()
  @FromJson()
  @IsObject()
  properties?: PropertyFilters;

  /** A JSON object, for conditions that single parameters cannot express. */
  @IsOptional()
  @FromJson()
  @IsObject()
  filter?: StatisticsFilter;

  @IsOptional()
  @IsFlag()
  bots?: boolean;
}

export class OverviewQuery extends QuestionQuery {
  /** `previous`, `year`, or a range: two ISO 8601 dates with a slash between them. */
  @IsOptional()
  @IsString()
  compareTo?: string;
}

export class SeriesQuery extends QuestionQuery {
  @IsString()
  measure!: Measure | AmountMeasure;

  @IsIn(INTERVALS)
  interval!: Interval;
}

/** The query of `GET …/stats/measure`. */
export class MeasureQuery extends QuestionQuery {
  @IsString()
  measure!: AmountMeasure;
}

export class TopQuery extends QuestionQuery {
  @IsIn(DIMENSIONS)
  dimension!: Dimension;

  @IsOptional()
  @IsString()
  measure?: TopMeasure | AmountMeasure;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  limit?: number;

  @IsOptional()
  @IsString()
  property?: string;

  @IsOptional()
  @IsString()
  search?: string;
}

export class LiveQuery extends QuestionQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  minutes?: number;
}

export class FunnelQuery extends QuestionQuery {
  /** A JSON array of steps, such as `[{"path":"/"},{"name":"bought"}]`. */
  @FromJson()
  @IsArray()
  @IsObject({ each: true })
  steps!: FunnelStep[];

  /** Milliseconds. */
  @IsOptional()
  @Type(() => Number)
  @IsNumber()
  within?: number;
}

export class RetentionQuery extends QuestionQuery {
  @IsOptional()
  @IsIn(PERIODS)
  period?: Period;

  @IsOptional()
  @IsIn(RETENTION_BY)
  by?: 'user' | 'session';
}

export class JourneysQuery extends QuestionQuery {
  @IsOptional()
  @IsIn(JOURNEYS_BY)
  by?: 'path' | 'route';

  @IsOptional()
  @IsString()
  start?: string;

  @IsOptional()
  @IsString()
  end?: string;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  depth?: number;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  limit?: number;
}

export class VisitsQuery extends QuestionQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  limit?: number;

  @IsOptional()
  @IsString()
  after?: string;

  @IsOptional()
  @IsIn(['asc', 'desc'])
  order?: 'asc' | 'desc';
}
