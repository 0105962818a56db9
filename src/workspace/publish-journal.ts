/** The name of the record that a publish under way leaves in the state folder: with it there, a build was killed. */
export const PUBLISH_JOURNAL = 'publish.json';
