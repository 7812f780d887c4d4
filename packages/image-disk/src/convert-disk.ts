import { join } from 'node:path';
import type { BlobRef, BuildContext, Digest, Json } from '@ict/plugin-api';
import { deriveBlob, runTool } from '@ict/image-parts';
import { virtualDisks, type VirtualDiskType } from './virtual-disk.js';
import { settleIdentity } from './virtual-disk-identity.js';

/** One cluster writer and fixed options, so that clusters lie in the order of the disk. */
function conversion(type: VirtualDiskType): readonly string[] {
  const { format, options } = virtualDisks[type];
  return ['convert', '-f', 'raw', '-O', format, '-m', '1', '-S', '4k', '-o', options];
}

/** Key of {@link convertDisk}. */
export function convertKey(raw: Digest, type: VirtualDiskType, name: string, ctx: BuildContext): Json {
  const key = { raw, tools: ctx.tools.digest, arguments: conversion(type) };
  return type === 'vmdk' ? { ...key, name: extentName(name) } : key;
}

/**
 * A raw disk in the format of a virtual machine, by qemu-img of the tools tree.
 *
 * @param name of the file without its extension: a vmdk repeats it
 * @throws `ICT_IMAGE_BLOB_GONE` when the raw disk is no longer in the cache; `ICT_DISK_CONVERSION`
 */
export function convertDisk(raw: Digest, type: VirtualDiskType, name: string, ctx: BuildContext): Promise<BlobRef> {
  return deriveBlob(raw, ctx, async (source, directory) => {
    const result = type === 'vmdk' ? extentName(name) : 'result';
    await runTool(['qemu-img', ...conversion(type), '/in', `/out/${result}`], source, directory, ctx);
    await settleIdentity(type, join(directory, result), raw);
    return result;
  });
}

/** The name as it may stand in quotation marks in a descriptor. */
function extentName(name: string): string {
  return `${name.replaceAll(/[^\w.-]/g, '_')}.vmdk`;
}
