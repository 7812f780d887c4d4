/** Fields whose relations a resolution asks for; assembly/relations.ts knows them by their place here. */
export const RELATION_FIELDS = ['Pre-Depends', 'Depends', 'Conflicts', 'Breaks', 'Recommends', 'Provides'] as const;

/** One of {@link RELATION_FIELDS}. */
export type KeptRelationField = (typeof RELATION_FIELDS)[number];

/** Places of {@link RELATION_FIELDS}. */
export const RELATION_PLACES: ReadonlyMap<string, number> = new Map(RELATION_FIELDS.map((field, place) => [field, place]));

/** The list of a field that cannot be read. */
export const UNREADABLE = 0xffff_ffff;
