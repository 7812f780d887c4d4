import type { BuildEvent } from '@ict/plugin-api';

/** Shows a run to people, on stderr. */
export interface View {
  event(event: BuildEvent): void;
  /** Prints text that ends in a new line, without disturbing what is drawn. */
  print(text: string): void;
  /** Leaves the last state on the screen and stops drawing. */
  close(): void;
}
