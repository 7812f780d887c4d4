import { setFlagsFromString } from 'node:v8';

/**
 * From now on a module's functions are compiled with it, not each when it is first called. That is what lets Node's cache of compiled code
 * (`module.enableCompileCache`) keep them: it is filled before a module runs, and would hold little but the functions' names.
 *
 * @param builtins modules of Node that will be needed. They come first, because their own compiled code is not taken under another setting.
 */
export function compileEagerly(builtins: readonly string[]): void {
  for (const name of builtins) process.getBuiltinModule(name);
  setFlagsFromString('--no-lazy');
}

/** What has to go on under Node's own setting. */
let lazy = 0;

/**
 * Imports a module under Node's own setting: one that asks for many modules of Node, which few commands need, and of which only some
 * functions are called. For code in the bundle, which runs under {@link compileEagerly}.
 */
export async function importLazily<T>(load: () => Promise<T>): Promise<T> {
  lazy++;
  setFlagsFromString('--lazy');
  try {
    return await load();
  } finally {
    lazy--;
    if (lazy === 0) setFlagsFromString('--no-lazy');
  }
}

/**
 * Imports a module that starts threads, and goes back to Node's own setting for good. A thread loads Node's own modules anew, and settings are those
 * of the process: under another one it would have to compile them, which takes a tenth of a second for each.
 */
export function importForThreads<T>(load: () => Promise<T>): Promise<T> {
  lazy++;
  setFlagsFromString('--lazy');
  return load();
}
