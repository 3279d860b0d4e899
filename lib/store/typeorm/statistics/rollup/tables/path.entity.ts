import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A page that visits and sums know by its number, as most pages recur. It is deleted with the last activity on it. */
@Entity('djaffar_path')
// The migration makes it, in each dialect's way.
@Index('djaffar_path_text', { synchronize: false })
export class Path {
  @PrimaryColumn({ name: 'number', type: 'int' })
  number!: number;

  @Column({ name: 'path', type: 'varchar', length: 2048 })
  path!: string;
}
