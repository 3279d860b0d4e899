import type { Snippet } from './markdown.js';

/** The snippet of the README that is the module `src/database.ts` of the app. */
const DATABASE = '// src/database.ts';

/** Imports that snippets leave out, by module. */
const IMPORTS: Record<string, string[]> = {
  'nestjs-djaffar': ['ActivityService', 'ActivityStats', 'DjaffarModule'],
  'nestjs-djaffar/client': ['djaffar', 'start'],
  '@nestjs/common': [
    'Catch',
    'Injectable',
    'Module',
    'UnauthorizedException',
    'type ArgumentsHost',
    'type CanActivate',
    'type ExceptionFilter',
    'type ExecutionContext',
  ],
  '@nestjs/core': ['NestFactory', 'Reflector'],
  '@nestjs/throttler': ['SkipThrottle'],
  '@nestjs/typeorm': ['TypeOrmModule'],
  express: ['type Request'],
  rxjs: ['filter'],
  typeorm: ['DataSource', 'MoreThan'],
  './database.js': ['dataSourceOptions'],
  './app.js': [
    'activities',
    'AdminGuard',
    'app',
    'AppModule',
    'askedAndGranted',
    'AuthModule',
    'ConfigModule',
    'ConfigService',
    'DAY',
    'getToken',
    'inject',
    'JwtAuthGuard',
    'NavigationEnd',
    'now',
    'OrdersService',
    'repository',
    'Roles',
    'RolesGuard',
    'Router',
    'router',
    'SessionGuard',
    'stats',
    'token',
    'useEffect',
    'useLocation',
  ],
};

/** Not as a property, a key or a part of a path. */
const isUsed = (name: string, code: string): boolean =>
  new RegExp(`(?<![\\w'"/-]|(?<!\\.\\.)\\.)${name}\\b(?!['"/-]|\\s*:)`).test(code);

const isDeclared = (name: string, code: string): boolean =>
  new RegExp(`\\b(class|const|function)\\s+${name}\\b|\\bimport\\b[^;]*\\b${name}\\b[^;]*from`).test(code);

/** Returns the imports that a snippet leaves out. */
function missingImports({ code, language }: Snippet): string {
  return Object.entries(IMPORTS)
    .flatMap(([module, names]) => {
      const missing = names.filter((given) => {
        const name = given.replace('type ', '');
        return (language !== 'js' || given === name) && isUsed(name, code) && !isDeclared(name, code);
      });
      return missing.length > 0 ? `import { ${missing.join(', ')} } from '${module}';\n` : [];
    })
    .join('');
}

/** Returns the name of the file that has the snippet, for the compiler. */
export function fileOf({ place, language, code }: Snippet): string {
  if (code.startsWith(DATABASE)) return 'database.ts';
  const extension = code.includes('module.exports') ? 'cjs' : language;
  return `${place.replaceAll(/\W/g, '-')}.${extension}`;
}

/** Completes a snippet, so that it is a module. */
export function moduleOf(snippet: Snippet): string {
  if (snippet.code.includes('module.exports')) return snippet.code;
  const code = withoutThis(snippet.code);
  return `${missingImports({ ...snippet, code })}${code}\nexport {};\n`;
}

/**
 * Returns a module that exports a function `run`, which does what the snippet does at the top level and returns its exports.
 */
export function programOf(snippet: Snippet): string {
  const code = withoutThis(snippet.code);
  const imports = code.match(/^import [^;]*;.*$/gm) ?? [];
  const body = code
    .replaceAll(/^import [^;]*;.*$/gm, '')
    .replaceAll(/^export \{.*$/gm, '')
    .replaceAll(/^export default /gm, 'const exported = ')
    .replaceAll(/^export /gm, '');
  const names = [...body.matchAll(/^(?:const|class) (\w+)/gm)].map(([, name]) => name);
  return `${missingImports({ ...snippet, code })}${imports.join('\n')}
export async function run() {
${body}
return { ${names.join(', ')} };
}
`;
}

/** Code of a method is at the top level in a snippet. */
const withoutThis = (code: string): string =>
  /\bclass\b/.test(code) ? code : code.replaceAll(/\bthis\./g, '');
