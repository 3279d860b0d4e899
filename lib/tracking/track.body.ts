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

/** Converts the error of a host's body parser to our answer. */
export function toBodyError(error: unknown): unknown {
  const status = error instanceof HttpException ? error.getStatus() : readStatus(error);
  if (status === 413) return tooLarge();
  if (status === 415) return unsupportedMediaType();
  return status === 400 ? badRequest({ body: ['body cannot be parsed'] }) : error;
}

/** Returns the status that body-parser and Fastify put on their errors. */
function readStatus(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined;
}

/**
 * Returns the object in a body of any of the three media types.
 * @throws HttpException 400, 413 or 415
 */
export function readBody({ headers, body }: TrackRequest): Record<string, unknown> {
  if (measureBody(headers, body) > MAX_BODY) throw tooLarge();
  const type = mediaType(headers['content-type']);
  switch (type) {
    case JSON_TYPE:
      return asObject(typeof body === 'string' && body ? parseJson(body, 'body') : body);
    case FORM:
      return typeof body === 'string' ? parseText(body) : parseForm(asObject(body));
    case TEXT:
      return parseText(typeof body === 'string' ? body : '');
    default:
      if (type === '' && !body) return {};
      throw unsupportedMediaType();
  }
}

/** Returns the bytes of a body. If it was compressed or came in chunks, its parsed value is measured. */
function measureBody(headers: TrackRequest['headers'], body: unknown): number {
  const { 'content-length': announced, 'content-encoding': encoding } = headers;
  if (announced !== undefined && encoding === undefined) return Number(announced);
  try {
    return Buffer.byteLength(JSON.stringify(body) ?? '');
  } catch {
    throw badRequest({ body: ['body is nested too deeply'] });
  }
}

/** True if the media type is one of the three. */
export function isSupported(contentType: string | undefined): boolean {
  return [JSON_TYPE, FORM, TEXT].includes(mediaType(contentType));
}

/** Returns the media type without parameters. */
function mediaType(contentType = ''): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function parseText(text: string): Record<string, unknown> {
  if (/^\s*[{[]/.test(text)) return asObject(parseJson(text, 'body'));
  return parseForm(Object.fromEntries(parseEntries(text)));
}

/** A repeated key gets an array as its value, as in the host's own parsers, and is then rejected. */
function parseEntries(text: string): Map<string, string | string[]> {
  const form = new URLSearchParams(text);
  return new Map(
    [...new Set(form.keys())].map((key) => {
      const [first = '', ...others] = form.getAll(key);
      return [key, others.length > 0 ? [first, ...others] : first];
    }),
  );
}

/** In a form, properties are the text of a JSON object. */
function parseForm(form: Record<string, unknown>): Record<string, unknown> {
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
