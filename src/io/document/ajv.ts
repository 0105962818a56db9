/** The adapter of the package `ajv`, in a file of its own so that the bundle loads it only when needed. */

export { Ajv } from 'ajv';
