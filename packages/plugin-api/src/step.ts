import type { BuildContext } from './context.js';
import type { Json } from './json.js';

/**
 * One unit of work whose result is kept. The key is declared apart from the run, is pure and cheap, and covers everything
 * that shapes the result; the engine adds the plugin's name, version and code digest.
 */
export interface Step<In, Out extends Json> {
  /** `deb.install`, `ict.configure`, `acme.harden`. */
  readonly type: string;
  /** Bumped when the output changes for equal input. */
  readonly version: number;
  /** What the result depends on. Stored beside it, so that a miss can be explained. */
  key(input: In): Json;
  /** Output is plain data; layers and blobs in it are found by their `kind` and verified on every hit. */
  run(input: In, ctx: BuildContext): Promise<Out>;
}
