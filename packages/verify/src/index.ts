export { createVerifier, type PieceVerifier, type VerifierOptions } from './verifier.js';
export { checkClearsigned, checkSignature, type SignatureCheck } from './signature.js';
export { readClearsigned, type ClearsignedParts, type ClearsignedReading } from './clearsigned.js';
export { parseKeyring, type KeyMaterial, type Keyring } from './keyring.js';
export { verifyError } from './errors.js';
