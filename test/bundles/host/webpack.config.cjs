module.exports = (options) => ({
  ...options,
  entry: './main.ts',
  // Nest CLI leaves node_modules out. This host has all in the bundle, but for what it does not have.
  externals: [/^@nestjs\/(microservices|websockets)/],
  // TypeORM names every driver that there is.
  ignoreWarnings: [/Module not found/, /the request of a dependency is an expression/],
});
