import { IsInt, Min } from 'class-validator';

/** The properties of the activity `order.paid`. */
export class OrderPaid {
  @IsInt()
  @Min(0)
  total!: number;
}
