// The servers on which tests and benchmarks create databases. Imported before these are read; it has no exports, so that TypeScript
// files can import it, too.
process.env.TEST_POSTGRES_URL ??= 'postgres://postgres@127.0.0.1:5432/postgres';
process.env.TEST_MARIADB_URL ??= 'mariadb://root@127.0.0.1:3306/mysql';
