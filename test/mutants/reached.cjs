/** By the path of a test file: the ids of the mutants that it reached in the run without a mutant, its `beforeAll` included. */
module.exports = new Map();
