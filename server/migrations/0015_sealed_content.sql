-- Which channels a checkpoint has values of, where its body is encrypted and cannot be asked.
alter table checkpoint add column channels text[];
