// Draws mutants of the files that are in no part, because to try all of these would take days.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { matchesGlob, relative } from 'node:path';
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { Instrumenter } from '@stryker-mutator/instrumenter';
import { strykerPlugins as texts } from './ignore-texts.mjs';
import { PARTS, SAMPLE } from './parts.mjs';

const silent = { debug() {}, info() {}, isDebugEnabled: () => false };
let drawn = [];

/**
 * Draws about `size` places with mutants, of each room in proportion to its places. The same seed draws the same of the same code.
 * All mutants of a place are tried: to turn a condition into `true` and into `false` are two.
 */
export async function drawSample(files, seed, size) {
  const mutants = await findMutants(files.filter((file) => !isInPart(file) && !isLeftOut(file)));
  const places = new Map(mutants.map((mutant) => [placeOf(mutant), mutant]));
  const rooms = SAMPLE.rooms.map((name) => {
    const ofRoom = [...places.values()].filter(({ fileName }) => roomOf(fileName) === name);
    const share = Math.max(SAMPLE.least, Math.round((size * ofRoom.length) / places.size));
    return {
      name,
      mutants: mutants.filter(({ fileName }) => roomOf(fileName) === name).length,
      drawn: shuffle(ofRoom, seed).slice(0, share),
    };
  });
  drawn = rooms.flatMap((room) => room.drawn);
  return rooms;
}

function shuffle(mutants, seed) {
  const rank = (mutant) =>
    createHash('sha256')
      .update(`${seed} ${placeOf(mutant)}`)
      .digest('hex');
  return mutants
    .map((mutant) => ({ mutant, rank: rank(mutant) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ mutant }) => mutant);
}

/**
 * Returns the range as Stryker's option `mutate` takes it.
 * @param base of columns: 1 for what a run returns; its lines begin with 1, too
 */
export function placeOf({ fileName, location: { start, end } }, base = 0) {
  const [first, last] = [start, end].map(({ line, column }) => `${line + 1 - base}:${column - base}`);
  return `${relative('', fileName)}:${first}-${last}`;
}

function roomOf(file) {
  return SAMPLE.rooms.find((room) => file.startsWith(`${room}/`));
}

function isInPart(file) {
  return Object.values(PARTS).some(({ mutate }) => mutate.some((pattern) => matchesGlob(file, pattern)));
}

function isLeftOut(file) {
  return SAMPLE.without.some((pattern) => matchesGlob(file, pattern));
}

async function findMutants(files) {
  const sources = await Promise.all(
    files.map(async (name) => ({ name, mutate: true, content: await readFile(name, 'utf8') })),
  );
  const options = { ignorers: texts.map(({ value }) => value), excludedMutations: [], plugins: null };
  const { mutants } = await new Instrumenter(silent).instrument(sources, options);
  return mutants.filter(({ status }) => status !== 'Ignored');
}

/** Stryker also makes the mutants inside of one that was drawn, such as of a function without its body. */
function shouldIgnore({ node: { loc }, hub }) {
  const file = relative('', hub.file.opts.filename);
  return drawn.some(({ fileName, location }) => fileName === file && isWithin(location, loc))
    ? undefined
    : 'not in the sample';
}

/** Babel's lines begin with 1. */
function isWithin({ start, end }, outer) {
  return (
    isBefore(outer.start.line - 1, outer.start.column, start.line, start.column) &&
    isBefore(end.line, end.column, outer.end.line - 1, outer.end.column)
  );
}

function isBefore(line, column, otherLine, otherColumn) {
  return line < otherLine || (line === otherLine && column <= otherColumn);
}

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'sample', { shouldIgnore })];
