import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class CreateOrders1763000000001 implements MigrationInterface {
  name = 'CreateOrders1763000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'orders',
        columns: [
          { name: 'id', type: 'varchar', length: '36', isPrimary: true },
          { name: 'total', type: 'int' },
        ],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: 'invoices',
        columns: [{ name: 'order', type: 'varchar', length: '64', isPrimary: true }],
      }),
      true,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('invoices');
    await runner.dropTable('orders');
  }
}
