import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A page, which visits and rollups store by id because most pages recur. It is deleted with its last activity. */
@Entity('djaffar_path', { synchronize: false })
export class Path {
  @PrimaryColumn({ name: 'id', type: 'int' })
  id!: number;

  @Column({ name: 'path', type: 'varchar', length: 2048 })
  path!: string;
}
