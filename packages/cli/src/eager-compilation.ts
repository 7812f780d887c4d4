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

/**
 * Imports a module under Node's own setting: one that asks for many modules of Node, which few commands need, and of which only some
 * functions are called. For code in the bundle, which runs under {@link compileEagerly}.
 */
export async function importLazily<T>(load: () => Promise<T>): Promise<T> {
  setFlagsFromString('--lazy');
  try {
    return await load();
  } finally {
    setFlagsFromString('--no-lazy');
  }
}
