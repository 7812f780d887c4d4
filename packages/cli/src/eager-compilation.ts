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
