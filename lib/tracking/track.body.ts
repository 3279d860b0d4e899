import { HttpException, PayloadTooLargeException, UnsupportedMediaTypeException } from '@nestjs/common';
import { isObject } from '../activity/properties.js';
import { badRequest } from '../http/bad-request.js';
import type { TrackRequest } from '../http/request.js';

/** Bytes. */
export const MAX_BODY = 64 * 1024;

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';
const TEXT = 'text/plain';

export function tooLarge(): HttpException {
  return new PayloadTooLargeException(`the body must take at most ${MAX_BODY} bytes`);
}

export function unsupportedMediaType(): HttpException {
  return new UnsupportedMediaTypeException(`the body must be ${JSON_TYPE}, ${FORM} or ${TEXT}`);
}

/** What a parser of the host made of a body it could not read, as the contract has it. */
export function ofParser(error: unknown): unknown {
  const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
  if (status === 413) return tooLarge();
  if (status === 415) return unsupportedMediaType();
  return status === 400 ? badRequest({ body: ['body cannot be parsed'] }) : error;
}

/** As body-parser and Fastify tell it. */
function statusOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined;
}

/**
 * The object that a body stands for, whichever of the three media types it came in.
 * @throws HttpException 400, 413 or 415
 */
export function readBody({ headers, body }: TrackRequest): Record<string, unknown> {
  if (sizeOf(headers, body) > MAX_BODY) throw tooLarge();
  const type = mediaType(headers['content-type']);
  switch (type) {
    case JSON_TYPE:
      return asObject(typeof body === 'string' && body ? parseJson(body, 'body') : body);
    case FORM:
      return typeof body === 'string' ? ofText(body) : ofForm(asObject(body));
    case TEXT:
      return ofText(typeof body === 'string' ? body : '');
    default:
      if (type === '' && !body) return {};
      throw unsupportedMediaType();
  }
}

/** Bytes: as announced or, where the host's parser has unpacked it or it came in chunks, as it would be again. */
function sizeOf(headers: TrackRequest['headers'], body: unknown): number {
  const { 'content-length': announced, 'content-encoding': encoding } = headers;
  if (announced !== undefined && encoding === undefined) return Number(announced);
  try {
    return Buffer.byteLength(JSON.stringify(body) ?? '');
  } catch {
    throw badRequest({ body: ['body is nested too deeply'] });
  }
}

/** Whether the media type is one of the three. */
export function isTaken(contentType: string | undefined): boolean {
  return [JSON_TYPE, FORM, TEXT].includes(mediaType(contentType));
}

/** Without its parameters. */
function mediaType(contentType = ''): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function ofText(text: string): Record<string, unknown> {
  if (/^\s*[{[]/.test(text)) return asObject(parseJson(text, 'body'));
  return ofForm(Object.fromEntries(entriesOf(text)));
}

/** What comes twice becomes an array, as in the forms that the host's parser reads, and is refused as one. */
function entriesOf(text: string): Map<string, string | string[]> {
  const form = new URLSearchParams(text);
  return new Map(
    [...new Set(form.keys())].map((key) => {
      const [first = '', ...others] = form.getAll(key);
      return [key, others.length > 0 ? [first, ...others] : first];
    }),
  );
}

/** In a form, properties are the text of a JSON object. */
function ofForm(form: Record<string, unknown>): Record<string, unknown> {
  const { properties } = form;
  if (typeof properties !== 'string' || properties === '') return form;
  return { ...form, properties: parseJson(properties, 'properties') };
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest({ [name]: [`${name} must be JSON`] });
  }
}

function asObject(body: unknown): Record<string, unknown> {
  if (body === undefined || body === null || body === '') return {};
  if (!isObject(body)) throw badRequest({ body: ['body must be an object'] });
  return body;
}
