import { IsOptional, Matches, ValidateBy, type ValidationArguments } from 'class-validator';
import type { Properties } from './activity.entity.js';
import { parseIsoDate } from './iso-date.js';
import { faultOfProperties } from './properties.js';
import { isLongerThan, isStorable } from './text.js';

export const MAX_PATH = 2048;
export const MAX_NAME = 64;
export const DEFAULT_NAME = 'view';

/** RFC 9562, without version 8 and the nil UUID: MariaDB's type refuses some of the one, the other is nobody's own. */
export const UUID = /^[\da-f]{8}-[\da-f]{4}-[1-7][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i;

/** A rule that says itself what is wrong with a value, or nothing. */
function Rule(name: string, faultOf: (value: unknown) => string | undefined): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value: unknown) => faultOf(value) === undefined,
      defaultMessage: (args?: ValidationArguments) => `${args?.property} ${faultOf(args?.value)}`,
    },
  });
}

function Text(characters: number): PropertyDecorator {
  return Rule('text', (value) => {
    if (typeof value !== 'string') return 'must be a string';
    if (isLongerThan(value, characters)) return `must be at most ${characters} characters long`;
    return isStorable(value) ? undefined : 'must not contain NUL or lone surrogates';
  });
}

export function IsoDate(): PropertyDecorator {
  return Rule('isoDate', (value) =>
    typeof value === 'string' && parseIsoDate(value) !== undefined
      ? undefined
      : 'must be an ISO 8601 date and time of the years 1970 to 9999',
  );
}

/** What a client may say of one activity. Missing, `null` and empty are the same. */
export class NewActivity {
  @IsoDate()
  date!: string;

  @IsOptional()
  @Text(MAX_PATH)
  path?: string;

  @IsOptional()
  @Text(MAX_PATH)
  referer?: string;

  @IsOptional()
  @Text(MAX_NAME)
  name?: string;

  @IsOptional()
  @Rule('properties', faultOfProperties)
  properties?: Properties;

  @IsOptional()
  @Matches(UUID, { message: '$property must be a UUID' })
  id?: string;
}
