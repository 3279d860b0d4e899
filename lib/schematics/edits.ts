import { addImport, appendItem, type Edit, mask, type ObjectLiteral, parseObject } from './source-text.js';

const PACKAGE = 'nestjs-djaffar';

/** Adds `DjaffarModule.forRoot(…)` to the imports of the only module of a file. */
export function importModule(code: string, argument: string): Edit {
  if (mentions(code, 'DjaffarModule')) return { code };
  const found = [...mask(code).matchAll(/@Module\s*\(\s*/g)];
  const [decorator] = found;
  if (!decorator || found.length > 1) return { fault: 'it has not exactly one @Module({ … })' };
  const definition = parseObject(code, decorator.index + decorator[0].length);
  if (!definition) return { fault: 'its @Module is not given a plain object' };
  const item = `DjaffarModule.forRoot(${argument})`;
  const added = addToList(code, definition, 'imports', item);
  return 'fault' in added ? added : { code: addImport(added.code, ['DjaffarModule'], PACKAGE) };
}

/** Adds entities and migrations to `TypeOrmModule.forRoot({ … })` or `new DataSource({ … })`. */
export function addTables(code: string, kind: 'TypeOrmModule.forRoot' | 'new DataSource'): Edit {
  if (mentions(code, 'djaffarMigrations') || mentions(code, 'djaffarEntities')) return { code };
  const calls = [...mask(code).matchAll(new RegExp(`\\b${kind.replace('.', '\\.')}\\s*\\(\\s*`, 'g'))];
  const [call] = calls;
  if (!call || calls.length > 1) return { fault: `it has not exactly one ${kind}({ … })` };
  const open = call.index + call[0].length;
  const options = parseObject(code, open);
  if (!options) return { fault: `${kind} is not given a plain object` };
  if (options.properties.has('name'))
    return { fault: `${kind} has a "name", which the option "dataSource" must repeat` };
  const names = isTrue(code, options, 'synchronize') ? [] : ['djaffarMigrations'];
  if (!isTrue(code, options, 'autoLoadEntities')) names.unshift('djaffarEntities');
  let changed = code;
  for (const name of names) {
    const property = name === 'djaffarEntities' ? 'entities' : 'migrations';
    const current = parseObject(changed, open);
    if (!current) return { fault: `${kind} is not given a plain object` };
    const added = addToList(changed, current, property, `...${name}`);
    if ('fault' in added) return added;
    changed = added.code;
  }
  return { code: names.length === 0 ? changed : addImport(changed, names, PACKAGE) };
}

/** Adds an item to the array that a property is, or adds the property. */
function addToList(code: string, object: ObjectLiteral, property: string, item: string): Edit {
  const value = object.properties.get(property);
  if (!value) {
    if (object.hasSpread) return { fault: `"${property}" may come from an object that is spread` };
    return { code: appendItem(code, object.start, `${property}: [${item}]`) };
  }
  if (
    mask(code).charAt(value.start) !== '[' ||
    !/^\[[\s\S]*\]\s*$/.test(mask(code).slice(value.start, value.end))
  )
    return { fault: `"${property}" is not a plain array` };
  return { code: appendItem(code, value.start, item) };
}

function isTrue(code: string, { properties }: ObjectLiteral, name: string): boolean {
  const value = properties.get(name);
  return value !== undefined && code.slice(value.start, value.end).trim() === 'true';
}

/** True if the code uses the name outside of comments and strings. */
export function mentions(code: string, name: string): boolean {
  return new RegExp(`\\b${name.replace('.', '\\.')}\\b`).test(mask(code));
}
