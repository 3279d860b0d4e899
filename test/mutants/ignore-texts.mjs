import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

const LOG_METHODS = new Set(['debug', 'error', 'log', 'verbose', 'warn']);
/** Constants and fields whose text is read by people, in the log and in errors. */
const TEXT = /^(advice|allowed|place|reason|subject)$|SUBJECT$/i;

/** Of `{ name: true } satisfies Record<Name, true>`, the compiler accepts nothing but true. */
function isFixed({ typeAnnotation: { typeName, typeParameters } }) {
  return typeName?.name === 'Record' && typeParameters.params[1].literal?.value === true;
}

/**
 * The wording of errors and log lines is no behaviour: tests would repeat it. That there is an error, which class it has and
 * when it is thrown are mutated as all else is.
 */
function shouldIgnore(path) {
  if (
    path.isBooleanLiteral() &&
    path.findParent((parent) => parent.isTSSatisfiesExpression() && isFixed(parent.node))
  )
    return 'a value that the compiler fixes';
  if (!path.isStringLiteral() && !path.isTemplateLiteral()) return undefined;
  return path.findParent((parent) => isText(parent.node))
    ? 'the text of an error or of a log line'
    : undefined;
}

function isText({ type, callee, key, id }) {
  if (type === 'NewExpression') return /(Error|Exception)$/.test(callee.name ?? '');
  if (type === 'CallExpression')
    return (
      callee.type === 'MemberExpression' &&
      LOG_METHODS.has(callee.property.name) &&
      /logger/i.test(callee.object.callee?.name ?? callee.object.property?.name ?? callee.object.name ?? '')
    );
  return (
    (type === 'ObjectProperty' && TEXT.test(key.name)) ||
    (type === 'VariableDeclarator' && TEXT.test(id.name))
  );
}

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'texts', { shouldIgnore })];
