import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import resolve from '@rollup/plugin-node-resolve';

export default {
  input: 'main.mjs',
  output: { dir: 'rollup', format: 'cjs', entryFileNames: 'main.cjs', inlineDynamicImports: true },
  plugins: [
    resolve({ preferBuiltins: true, exportConditions: ['node'] }),
    commonjs({ ignore: (id) => /^@nestjs\/(microservices|websockets)/.test(id) }),
    json(),
  ],
  logLevel: 'silent',
};
