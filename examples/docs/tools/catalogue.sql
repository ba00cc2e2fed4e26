-- The catalogue as it is kept on the desk computer (SQLite).

create table accession (
    accession       text primary key,          -- HB-0001
    crop            text not null,
    species         text not null,
    variety         text not null unique,
    donor           text,
    acquired        date not null,
    harvest_year    integer not null,
    seeds_in_store  integer not null check (seeds_in_store >= 0),
    shelf           text not null,             -- freezer, crate, row: F1-B3
    germination_pct integer check (germination_pct between 0 and 100),
    last_tested     date
);

create table loan (
    loan        text primary key,              -- L26-001
    lent_on     date not null,
    member      text not null,
    accession   text not null references accession,
    packets     integer not null check (packets between 1 and 2),
    returned_on date
);

-- What may be lent today: it germinates, and 400 seeds stay behind.
create view lendable as
select accession, crop, variety, seeds_in_store
from accession
where germination_pct >= 75 and seeds_in_store >= 400;

-- Who has not returned yet, longest first.
select member, loan, variety, lent_on
from loan join accession using (accession)
where returned_on is null
order by lent_on;
