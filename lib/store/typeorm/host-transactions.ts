import type { DataSource, EntityManager, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import { dialectOf, type Insert } from '../../database/dialects/dialect.js';

/** Work to do when the transaction is committed, if its part at this depth is not rolled back before. */
interface Waiting {
  /** 1 in the transaction itself, one more in each savepoint. */
  depth: number;
  onCommit: () => void;
}

/**
 * Writes activities in transactions of the host. They are committed or rolled back with what else the host does there, and
 * an error is the driver's own, so that the host's own code can try again.
 *
 * It never takes a second connection while the host holds one, because transactions that wait for another one could hold all
 * connections of the pool. A new session is stored only after the commit, because a long transaction would block other writers
 * of the same session.
 */
export class HostTransactions {
  private readonly afterCommit = new WeakMap<QueryRunner, Waiting[]>();
  private readonly subscriber: EntitySubscriberInterface;

  constructor(private readonly dataSource: DataSource) {
    this.subscriber = {
      afterTransactionCommit: ({ queryRunner }) => this.finish(queryRunner, true),
      afterTransactionRollback: ({ queryRunner }) => this.finish(queryRunner, false),
    };
  }

  /**
   * @param onCommit called when the transaction is committed
   * @throws Error if the manager is in no transaction, or of another data source
   */
  async write(manager: EntityManager, inserts: Insert[], onCommit: () => void): Promise<void> {
    const runner = this.findRunner(manager);
    for (const [sql, parameters] of dialectOf(this.dataSource).statements(inserts))
      await runner.query(sql, parameters);
    if (!runner.isTransactionActive)
      throw new Error(
        'Djaffar: the transaction ended before track() did; await track() within the transaction',
      );
    // A data source that is initialized again has new subscribers.
    if (!this.dataSource.subscribers.includes(this.subscriber))
      this.dataSource.subscribers.push(this.subscriber);
    const waiting = this.afterCommit.get(runner) ?? [];
    this.afterCommit.set(runner, waiting);
    waiting.push({
      depth: readDepth(runner),
      onCommit,
    });
  }

  private findRunner({ queryRunner }: EntityManager): QueryRunner {
    if (!queryRunner?.isTransactionActive) {
      throw new Error(
        'Djaffar: track() was given a manager that is in no transaction; give the one that dataSource.transaction((manager) => …) passes',
      );
    }
    if (queryRunner.connection !== this.dataSource) {
      throw new Error(
        'Djaffar: track() was given a manager of another data source than that of DjaffarModule, so the two cannot be committed together',
      );
    }
    return queryRunner;
  }

  /** Also called at the end of a savepoint: its work then moves to the enclosing part, or is dropped. */
  private finish(runner: QueryRunner, isCommitted: boolean): void {
    const depth = readDepth(runner);
    const waiting = this.afterCommit.get(runner) ?? [];
    const kept = isCommitted ? waiting : waiting.filter((each) => each.depth <= depth);
    for (const each of kept) each.depth = Math.min(each.depth, depth);
    if (depth > 0) {
      this.afterCommit.set(runner, kept);
      return;
    }
    this.afterCommit.delete(runner);
    for (const { onCommit } of kept) onCommit();
  }
}

/** How many transactions and savepoints are open, which TypeORM counts without a type; 0 after the end of all. */
function readDepth(runner: QueryRunner): number {
  return runner.isTransactionActive ? Number(Reflect.get(runner, 'transactionDepth')) : 0;
}
