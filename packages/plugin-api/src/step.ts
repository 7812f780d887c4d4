import type { Json } from './json.js';

/**
 * One unit of work whose result is kept. The key is declared apart from the run, is made without doing any of the work, and covers
 * everything that shapes the result; the engine adds the plugin's name, version and code digest. Step types are named after who
 * makes them: `ict.configure`, `disk.assemble`, `acme.harden`.
 */
export interface Step<Out extends Json> {
  readonly type: string;
  /** Bumped when the output changes for equal input. */
  readonly version: number;
  /** What the result depends on. Stored beside it, so that a miss can be explained. */
  readonly key: Json;
  /** Output is plain data; layers and blobs in it are found by their `kind` and verified on every hit. */
  run(): Promise<Out>;
}
