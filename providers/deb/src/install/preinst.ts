import type { Context, Digest, VerifiedPackage } from '@ict/plugin-api';

const KIND = 'deb-preinst';

/** Notes, for later installations, whether a package whose control files were read has a preinst. */
export async function rememberPreinst(digest: Digest, control: ReadonlyMap<string, Uint8Array>, ctx: Pick<Context, 'memo'>): Promise<void> {
  await ctx.memo.set(KIND, digest, control.has('preinst'));
}

/** Whether a package has a preinst, which runs before the package is unpacked and may use what other packages bring. */
export async function hasPreinst(pkg: Pick<VerifiedPackage, 'digest' | 'file'>, ctx: Pick<Context, 'memo' | 'signal'>): Promise<boolean> {
  const known = await ctx.memo.get(KIND, pkg.digest);
  if (typeof known === 'boolean') return known;
  const { readDeb } = await import('@ict/archive');
  const control = await (await readDeb(pkg.file, { signal: ctx.signal })).control();
  await rememberPreinst(pkg.digest, control, ctx);
  return control.has('preinst');
}
