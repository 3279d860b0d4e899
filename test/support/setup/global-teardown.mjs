import { dropTemplates } from './templates.mjs';

export default async function tearDown() {
  await dropTemplates({
    sqlite: process.env.DJAFFAR_TEST_SQLITE_TEMPLATE,
    postgres: process.env.DJAFFAR_TEST_POSTGRES_TEMPLATE,
  });
}
