import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A path that visits and sums know by its number: most paths recur. It goes with the last activity that has it. */
@Entity('djaffar_path')
// The migration makes it, in each dialect's way.
@Index('djaffar_path_text', { synchronize: false })
export class Path {
  @PrimaryColumn({ name: 'number', type: 'int' })
  number!: number;

  @Column({ name: 'path', type: 'varchar', length: 2048 })
  path!: string;
}
