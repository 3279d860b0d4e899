export default {
  build: {
    ssr: 'main.mjs',
    outDir: 'vite',
    rollupOptions: {
      external: [/^@nestjs\/(microservices|websockets)/],
      output: { entryFileNames: 'main.mjs' },
    },
  },
  ssr: { noExternal: true },
  logLevel: 'error',
};
