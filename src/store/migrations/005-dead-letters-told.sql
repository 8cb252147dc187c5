-- To find those that DEAD_LETTERS no longer holds, without reading a row.
CREATE INDEX dead_letters_told ON dead_letters (type, published, sequence, former) WHERE published IS NOT NULL;
