import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';

const PASSWORD = 'limited';

/** A user of PostgreSQL or MariaDB who may read and write the tables that are there, and no more. */
export class DatabaseUser {
  /** The name in SQL; on MariaDB it includes the host. */
  private readonly accounts: string[];

  private constructor(
    private readonly operator: DataSource,
    private readonly name: string,
    /** The database's, for this user. */
    readonly url: string,
  ) {
    this.accounts = this.isPostgres ? [name] : [`'${name}'@'%'`, `'${name}'@'localhost'`];
  }

  /**
   * @param operator may create users
   * @param url of the database
   * @param maxConnections how many the user may have at once
   */
  static async create(operator: DataSource, url: string, maxConnections?: number): Promise<DatabaseUser> {
    const name = `djaffar_user_${randomBytes(4).toString('hex')}`;
    const own = new URL(url);
    own.username = name;
    own.password = PASSWORD;
    const user = new DatabaseUser(operator, name, own.href);
    await user.make(maxConnections);
    return user;
  }

  /** At once, also on connections that are there: those of MariaDB keep what they may do with a whole database. */
  async revokeInsert(table: string): Promise<void> {
    for (const each of this.accounts) await this.operator.query(`REVOKE INSERT ON ${table} FROM ${each}`);
  }

  async grantInsert(table: string): Promise<void> {
    for (const each of this.accounts) await this.operator.query(`GRANT INSERT ON ${table} TO ${each}`);
  }

  async drop(): Promise<void> {
    const { operator, name } = this;
    if (this.isPostgres) await operator.query(`DROP OWNED BY ${name}`);
    for (const each of this.accounts)
      await operator.query(this.isPostgres ? `DROP ROLE ${each}` : `DROP USER ${each}`);
  }

  private get isPostgres(): boolean {
    return this.operator.options.type === 'postgres';
  }

  private async make(maxConnections: number | undefined): Promise<void> {
    const { operator, name } = this;
    const rights = 'SELECT, INSERT, UPDATE, DELETE';
    if (this.isPostgres) {
      const limit = maxConnections === undefined ? '' : `CONNECTION LIMIT ${maxConnections}`;
      await operator.query(`CREATE ROLE ${name} LOGIN PASSWORD '${PASSWORD}' ${limit}`);
      await operator.query(`GRANT ${rights} ON ALL TABLES IN SCHEMA public TO ${name}`);
      return;
    }
    const limit = maxConnections === undefined ? '' : `WITH MAX_USER_CONNECTIONS ${maxConnections}`;
    const tables: { name: string }[] = await operator.query(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
    );
    for (const each of this.accounts) {
      await operator.query(`CREATE USER ${each} IDENTIFIED BY '${PASSWORD}' ${limit}`);
      for (const table of tables) await operator.query(`GRANT ${rights} ON ${table.name} TO ${each}`);
    }
  }
}
